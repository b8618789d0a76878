"""The only way out."""


class Network: ...
