"""KAZOO as the engine sees it: the protocol, the errors, and the Crossbar client behind them."""
