"""The console: pages, forms and what stands around them."""
