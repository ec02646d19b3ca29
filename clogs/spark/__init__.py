"""Spark and Iceberg, where one machine is too small: the landing into tables, and the models from these.

The warehouse file of DuckDB then holds views of the tables' files, so that everything that reads it goes on.
"""
