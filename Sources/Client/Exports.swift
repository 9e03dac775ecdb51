// One import is enough: the values and the protocol of the clients come along.
@_exported public import TurnpikeAPI
