"""The data of the built-in action templates, one YAML file each."""
