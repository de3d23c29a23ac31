"""The page of a study: one HTML file that shows what was run and what came out."""
