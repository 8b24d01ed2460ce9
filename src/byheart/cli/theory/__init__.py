"""byheart theory: what is known without training, in numbers and figures; one file a verb."""
