//! Stories of groups between the two protocols.
