// The style of all pages, in the order in which one rule gives way to another.
import './tokens.css';
import './base.css';
import './frame.css';
import './fields.css';
import './cards.css';
import './tasks.css';
import './tables.css';
import './charts.css';
import './notices.css';
import './join.css';
import './console.css';
