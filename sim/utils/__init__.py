"""Where scripts written for Jaxley find helpers by their paths there."""
