"""What every typed table of settings is made of: its kinds of values, its errors in one line, and
the JSON schema and the page that are written from it."""
