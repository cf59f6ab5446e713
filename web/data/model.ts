// The model of the Weir that answers: asked for once, shared by all pages.

import { useEffect } from 'preact/hooks'
import { modelOf } from '../domain/model.ts'
import { useAnswer } from './answer.ts'
import { createCell } from './cell.ts'
import type { FieldsAnswer } from './contract.ts'

export const model$ = createCell(modelOf(undefined))

/** Asks for the fields, until there is an answer. */
export function useFieldsAnswer(): void {
  const { data } = useAnswer<FieldsAnswer>('/api/fields', undefined)
  useEffect(() => {
    if (data) model$.set(modelOf(data))
  }, [data])
}
