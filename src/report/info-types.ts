/** What `info` has found, for everything that shows it. */
import type { CredentialReport } from '../proxy/inspect.js'
import type { AttributeReport, InnerAttributeReport } from '../voms/attribute-report.js'

export interface Inspected {
  /** Full path. */
  file: string
  /** Permission bits as four octal digits. */
  mode: string
  report: CredentialReport
  /** Those that count, of the outermost proxy that carries any. */
  attributes: readonly AttributeReport[]
  innerAttributes: readonly InnerAttributeReport[]
}
