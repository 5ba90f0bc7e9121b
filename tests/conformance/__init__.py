"""protobuf's conformance tests of our message classes; README.md here says how."""
