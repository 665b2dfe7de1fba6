"""Private RabbitMQ and PostgreSQL, and the services beside them, on one machine.

Everything lives under one folder (``YIZHAN_VAR``), listens on 127.0.0.1 only and ends with the program that started it.
"""
