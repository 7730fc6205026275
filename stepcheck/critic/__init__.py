"""Critics: generative judges that say in words which step is wrong first, in process or on a server."""
