// The filter of every page: chips of the values that were clicked, and a text of the filter language beside them.
// The server completes and checks it; a filter with a mistake never runs.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { count, text } from '../../common/number/mod.ts'
import { useCell } from '../data/cell.ts'
import type { FilterFault } from '../data/contract.ts'
import { faultOf, useCompletion, useValues } from '../data/filter.ts'
import { commit, location$ } from '../data/page.ts'
import { isReplacement, replaced, type Typed, wordEnd } from '../domain/filter-text.ts'
import { written } from '../domain/location.ts'
import { tablesOf } from '../domain/page-tables.ts'
import { Chips } from './chips.tsx'
import { type Choice, FilterOptions, optionId } from './filter-options.tsx'
import { Icon } from './icons.tsx'
import { Name } from './text.tsx'

/** A mistake, and the text that has it. */
interface Wrong {
  readonly text: string
  readonly fault: FilterFault
}

export const filterInputId = 'filter-input'

export function FilterBox() {
  const { filters, page } = useCell(location$)
  const box = useBox()
  const { draft, wrong, chosen, choices, isOpen } = box
  const [table] = tablesOf(page)
  const typedInto = (event: { readonly currentTarget: HTMLInputElement }) =>
    box.change(typedIn(event.currentTarget))
  return (
    <search class={`filter ${wrong ? 'wrong' : ''}`}>
      <Icon name="search" size="ico" />
      <Chips />
      <span class="filter-text">
        <Marked wrong={wrong?.text === draft.text ? wrong : undefined} input={box.input} />
        <input
          ref={box.input}
          id={filterInputId}
          class="mono"
          type="text"
          role="combobox"
          aria-label="Filter"
          aria-autocomplete="list"
          aria-expanded={isOpen}
          aria-controls="filter-options"
          aria-activedescendant={isOpen && chosen >= 0 ? optionId(chosen) : undefined}
          aria-invalid={wrong !== undefined}
          aria-describedby={wrong ? 'filter-fault' : undefined}
          autoComplete="off"
          autoCapitalize="off"
          spellcheck={false}
          maxLength={8192}
          placeholder={filters.length > 0 ? 'and …' : examples[table]}
          value={draft.text}
          onInput={typedInto}
          onClick={typedInto}
          onFocus={typedInto}
          onKeyUp={(event) => moves.has(event.key) && typedInto(event)}
          onBlur={box.close}
          onKeyDown={box.keyDown}
        />
      </span>
      {draft.text !== '' && (
        <button
          type="button"
          class="ctl bare small"
          aria-label="Clear the filter"
          onClick={() => void box.run('')}
        >
          <Icon name="close" />
        </button>
      )}
      <span class="key hide-s">{box.isRun ? '/' : '⏎'}</span>
      {isOpen && <FilterOptions choices={choices} chosen={chosen} onChoose={box.accept} />}
      {wrong && <Fault wrong={wrong} onAccept={(text) => void box.run(text)} />}
    </search>
  )
}

/** What is typed, what could be chosen, what is wrong, and what the keys do. */
function useBox() {
  const { filter, page } = useCell(location$)
  const tables = tablesOf(page)
  const input = useRef<HTMLInputElement>(null)
  const [draft, setDraft] = useState<Typed>({ text: filter, caret: filter.length })
  const [open, setOpen] = useState(false)
  const [chosenText, setChosenText] = useState<string>()
  const [wrong, setWrong] = useWrong(filter, tables)
  useEffect(() => setDraft({ text: filter, caret: filter.length }), [filter])
  const choices = useChoices(open ? draft : undefined)
  // By its text: an answer that comes in between may put it at another place.
  const chosen = choices.findIndex((choice) => choice.text === chosenText)
  const setChosen = (index: number) => setChosenText(choices[index]?.text)
  /** Where the caret goes once an accepted option is drawn. */
  const goTo = useRef<number>(undefined)
  useLayoutEffect(() => {
    if (goTo.current !== undefined) input.current?.setSelectionRange(goTo.current, goTo.current)
    goTo.current = undefined
  }, [draft])

  function change(next: Typed): void {
    setDraft(next)
    setChosenText(undefined)
    setOpen(true)
    if (wrong && wrong.text !== next.text) setWrong(undefined)
  }

  async function run(typed: string): Promise<void> {
    const wanted = typed.trim()
    setDraft({ text: typed, caret: typed.length })
    const fault = await faultOf(wanted, tables, new AbortController().signal)
    setOpen(false)
    setWrong(fault && { text: typed, fault })
    if (!fault) commit({ ...location$.get(), filter: wanted })
  }

  function accept({ insert, from, to }: Choice): void {
    const next = replaced(draft.text, { from, to }, insert)
    goTo.current = next.caret
    change(next)
    input.current?.focus()
  }

  function giveUp(): void {
    if (open) {
      setOpen(false)
      return
    }
    setDraft({ text: filter, caret: filter.length })
    input.current?.blur()
  }

  const isOpen = open && choices.length > 0
  const acts = { setChosen, accept, run: () => void run(draft.text), giveUp }
  const keyDown = keysOf({ choices: isOpen ? choices : [], chosen, ...acts })
  const isRun = draft.text.trim() === filter
  const close = () => setOpen(false)
  return {
    input,
    draft,
    wrong,
    chosen,
    choices,
    isOpen,
    isRun,
    change,
    accept,
    run,
    close,
    keyDown,
  }
}

/** Keys that move the caret and change nothing. */
const moves = new Set(['ArrowLeft', 'ArrowRight', 'Home', 'End'])

const examples: Readonly<Record<string, string>> = {
  flows: 'dst_port = 5432 and rtt > 5ms',
  events: 'kind = drop and dst_port = 5432',
  ledger: 'node = a and stage = hook',
}

function typedIn(input: HTMLInputElement): Typed {
  return { text: input.value, caret: input.selectionStart ?? input.value.length }
}

/** The mistake of the filter in the URL, or of the one that was tried last. */
function useWrong(filter: string, tables: readonly string[]) {
  const [wrong, setWrong] = useState<Wrong>()
  const asked = tables.join()
  useEffect(() => {
    const controller = new AbortController()
    setWrong(undefined)
    void faultOf(filter, tables, controller.signal).then((fault) => {
      if (!controller.signal.aborted) setWrong(fault && { text: filter, fault })
    })
    return () => controller.abort()
  }, [filter, asked])
  return [wrong, setWrong] as const
}

/** What can be chosen: words of the language, then values of the rows. */
function useChoices(typed: Typed | undefined): readonly Choice[] {
  const state = useCell(location$)
  const [table] = tablesOf(state.page)
  const completion = useCompletion(typed, table)
  const values = useValues(completion, table, state)
  if (!completion) return []
  const place = { from: completion.from, to: completion.to }
  const words = completion.options.map(({ text, help }) => ({ ...place, insert: text, text, help }))
  const known = values
    .filter(({ value }) => !words.some((word) => word.text === value))
    .map(({ value, count: n }) => ({
      ...place,
      insert: written(value),
      text: value,
      help: text(count(n)),
    }))
  return [...known, ...words]
}

interface Keyed {
  /** Empty while the list is closed. */
  readonly choices: readonly Choice[]
  readonly chosen: number
  readonly setChosen: (index: number) => void
  readonly accept: (choice: Choice) => void
  readonly run: () => void
  readonly giveUp: () => void
}

/** ↑ ↓ choose, Tab accepts, Enter accepts what was chosen, else runs; Esc closes, then gives up. */
function keysOf({ choices, chosen, setChosen, accept, run, giveUp }: Keyed) {
  return (event: KeyboardEvent): void => {
    const last = choices.length - 1
    const choice = choices[chosen]
    const [first] = choices
    const acts: Readonly<Record<string, (() => void) | undefined>> = {
      ArrowDown: () => setChosen(chosen >= last ? 0 : chosen + 1),
      ArrowUp: () => setChosen(chosen <= 0 ? last : chosen - 1),
      Tab: event.shiftKey || !first ? undefined : () => accept(choice ?? first),
      Enter: choice ? () => accept(choice) : run,
      Escape: giveUp,
    }
    const act = acts[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }
}

interface MarkedProps {
  readonly wrong: Wrong | undefined
  readonly input: { readonly current: HTMLInputElement | null }
}

/** The same text below the field, with a wave under exactly the wrong characters. */
function Marked({ wrong, input }: MarkedProps) {
  const place = useRef<HTMLSpanElement>(null)
  useEffect(() => {
    const field = input.current
    const follow = () => {
      if (place.current && field) place.current.scrollLeft = field.scrollLeft
    }
    // Where the field scrolls to is known once it is laid out.
    const frame = requestAnimationFrame(follow)
    field?.addEventListener('scroll', follow)
    return () => {
      cancelAnimationFrame(frame)
      field?.removeEventListener('scroll', follow)
    }
  }, [wrong])
  if (!wrong) return null
  const { text, fault } = wrong
  const end = Math.max(wordEnd(text, fault.position), fault.position)
  return (
    <span class="filter-marks mono" aria-hidden="true" ref={place}>
      {text.slice(0, fault.position)}
      <span class="wave">{text.slice(fault.position, end) || '\u00a0'}</span>
      {text.slice(end)}
    </span>
  )
}

interface FaultProps {
  readonly wrong: Wrong
  readonly onAccept: (text: string) => void
}

function Fault({ wrong: { text, fault }, onAccept }: FaultProps) {
  const { position, message, suggestion } = fault
  const [said] = message.split('; did you mean ')
  const end = wordEnd(text, position)
  return (
    <p id="filter-fault" class="filter-fault" role="alert">
      character {position}: <Name text={said ?? message} />
      {suggestion !== undefined && isReplacement(suggestion) && (
        <>
          ; did you mean{' '}
          <button
            type="button"
            class="lnk mono"
            onClick={() => onAccept(text.slice(0, position) + suggestion + text.slice(end))}
          >
            {suggestion}
          </button>
          ?
        </>
      )}
    </p>
  )
}
