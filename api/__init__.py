"""How the product is driven: command line, HTTP, console, jobs, and the use cases behind them."""
