"""What people look at: the page of a study, figures, and the page of a run that goes on."""
