"""Faults, target resolvers and stop conditions of AWS. botocore may be imported here, lazily."""
