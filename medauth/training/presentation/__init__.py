"""How the presentation attack net is made: simulated cameras, screens and prints, the net, folds by set-up."""
