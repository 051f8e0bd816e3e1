"""Pure DataFrame -> DataFrame functions, one family a module: no session, clock, settings or IO inside."""
