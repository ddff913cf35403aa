/** The messages of the MyProxy protocol. */
export * from './request.js'
export * from './response.js'
export type { TrustRootFile } from './trust-roots.js'
