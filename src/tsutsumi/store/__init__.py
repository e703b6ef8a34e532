"""What is kept: the relational store and the immutable day files."""
