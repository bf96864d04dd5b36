"""Why a roster is as it is: a shift, a day off, a shortfall, a conflict; found by trying."""
