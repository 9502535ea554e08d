"""The bytes: held once, by digest, durable before anybody is told of them."""
