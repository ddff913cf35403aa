/** A place of user proxies, whichever it is. */
import type { ProxyRepository } from './proxy-repository.js'

export type ProxyFiles = Pick<
  ProxyRepository,
  'path' | 'read' | 'readBytes' | 'replace' | 'remove' | 'list' | 'newestFirst'
> & {
  /**
   * Rejects with `FILE_UNWRITABLE` when a renewed proxy could not be stored; where there are several
   * directories, one of this name.
   */
  probeWritable(fileName?: string): Promise<void>
}
