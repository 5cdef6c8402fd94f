"""Step 5 of 5: run it and ask it. The command line, the local stack, migrations, the demo."""
