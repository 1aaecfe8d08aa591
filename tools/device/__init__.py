"""Programs in C on emulated microcontrollers: what builds and runs them, and what they take."""
