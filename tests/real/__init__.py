"""Tests on a real Apache Mesos; README.md here says where it comes from."""
