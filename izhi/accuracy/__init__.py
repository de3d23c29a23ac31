"""How exact runs are: spike times by an adaptive method of high order, and runs beside them."""
