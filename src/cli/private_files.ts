/** Who may read the files that Belay makes. */

/** From here on, only the user that it runs as: the database holds what tokens are signed with, and everybody's executions. */
export function keepFilesPrivate(): void {
  process.umask(0o077);
}
