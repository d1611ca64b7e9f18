# One Consul server, for trying. In production run three or five, in the primary region or near it, with TLS and gossip
# encryption as Consul's own documents say; nothing of Skerry changes but the URL.
datacenter       = "dc1"
data_dir         = "/consul/data"
server           = true
bootstrap_expect = 1
ui_config {
  enabled = false
}
acl {
  enabled                  = true
  default_policy           = "deny"
  enable_token_persistence = true
}
performance {
  # Leader elections as quick as Consul knows them: a lease can be taken only while there is a leader.
  raft_multiplier = 1
}
