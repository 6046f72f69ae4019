"""Runs that are advanced by AWS Lambda durable functions."""
