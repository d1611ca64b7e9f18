#!/bin/sh
# Creates the nodes' policy and token, or finds them there. Needs CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN (management) and
# SKERRY_CONSUL_TOKEN (a UUID: the nodes' token).
set -eu
rules=$(dirname "$0")/skerry-policy.hcl

if consul acl policy read -name skerry >/dev/null 2>&1; then
  consul acl policy update -name skerry -rules @"$rules" >/dev/null
else
  consul acl policy create -name skerry -description "Skerry's nodes" -rules @"$rules" >/dev/null
fi

# A token is read by its accessor; its own secret says whether it is there.
if CONSUL_HTTP_TOKEN=$SKERRY_CONSUL_TOKEN consul acl token read -self >/dev/null 2>&1; then
  echo "the nodes' token is there"
else
  consul acl token create -description "Skerry's nodes" -policy-name skerry -secret "$SKERRY_CONSUL_TOKEN" >/dev/null
  echo "the nodes' token is made"
fi
