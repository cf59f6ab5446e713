// The page's entry: draws the app into its place.

import { render } from 'preact'
import './style/tokens.css'
import './style/frame.css'
import './style/controls.css'
import './style/panel.css'
import './style/table.css'
import './style/narrow.css'
import { App } from './views/app.tsx'

render(<App />, document.getElementById('page') as HTMLElement)
