"""What a host needs to run Headlight: see docs/hosting.md."""
