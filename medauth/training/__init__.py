"""How the models behind the signals are made. Nothing outside imports this package; it needs `medauth[train]`."""
