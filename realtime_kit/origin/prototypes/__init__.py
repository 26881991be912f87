"""Origins to carry on with: `realtime-kit export` copies one of these files as it stands, so none imports the kit."""
