//! What learners see: nothing here has a key, a hidden test or a rubric in it.
