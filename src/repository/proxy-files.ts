/** A place of user proxies, whichever it is. */
import type { ProxyRepository } from './proxy-repository.js'

export type ProxyFiles = Pick<
  ProxyRepository,
  'path' | 'read' | 'readBytes' | 'replace' | 'remove' | 'list' | 'newestFirst'
> & {
  /** Rejects with `FILE_UNWRITABLE` when a renewed proxy of this name could not be stored. */
  probeWritable(fileName: string): Promise<void>
}
