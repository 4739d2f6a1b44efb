"""The description of a model: morphologies, names, groups, tables. Mutable, made for people; nothing in it runs."""
