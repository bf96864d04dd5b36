"""The command line, one module a group of commands; `main` gathers them."""
