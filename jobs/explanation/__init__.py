"""Why a number is what it is: what `pdmetrics explain` looks up, and how it says it."""
