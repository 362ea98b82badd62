"""Tasks without a target; imports nothing, so that it can be asked before numpy is there."""

CLUSTERING = "clustering"
AUTOENCODER = "autoencoder"
UNSUPERVISED = (CLUSTERING, AUTOENCODER)
