//! Rendering against strace itself and against arbitrary input.
