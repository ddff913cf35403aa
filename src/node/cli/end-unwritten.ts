/** The end of a program whose output nobody takes. */
import { EXIT } from '../../report/exit-status.js'

/**
 * Ends the process. A reader that went away (`… | head`) is not worth a word; a disk that is full is.
 *
 * @param errno of the write that failed.
 */
export function endUnwritten(errno: string | undefined): never {
  if (errno !== 'EPIPE') process.stderr.write(`vobox-proxy: stdout cannot be written (${errno})\n`)
  process.exit(EXIT.failed)
}
