# What a node needs of Consul: its cluster's keys, sessions for them, and its own entry in the catalog.
key_prefix "skerry/" {
  policy = "write"
}
session_prefix "" {
  policy = "write"
}
node_prefix "" {
  policy = "write"
}
agent_prefix "" {
  policy = "read"
}
