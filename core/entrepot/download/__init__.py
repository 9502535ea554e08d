"""Getting bytes: politely, verified, from the addresses that are allowed and no others."""
