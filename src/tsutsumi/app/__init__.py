"""What people and programs use."""
