"""The pure core: frames in, frames out. No clock, no files, no chance, no floats for money."""
