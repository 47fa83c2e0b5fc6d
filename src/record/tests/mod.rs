mod golden;
mod properties;
mod validation;
mod walk;
