package main

import (
	"context"
	"time"

	"github.com/exhibit-aims/exhibit/internal/telemetry"
)

const (
	// watchEvery is how often the agent looks at its schedule for its metrics.
	watchEvery = 15 * time.Second
	// mostSilence is how long no agent may have looked for sources that are due.
	mostSilence = 2 * time.Minute
	// expireEvery is how often payloads that were kept long enough are erased.
	expireEvery = 24 * time.Hour
)

// watchSchedule tells the metrics how the schedule stands, and erases each day
// what the configuration says is to be erased.
func (d *daemon) watchSchedule(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	told, erased := time.Now(), time.Now().Add(-expireEvery+time.Minute)
	for {
		if err := d.lookAtSchedule(ctx, &told); err != nil && ctx.Err() == nil {
			d.w.logger.Warn("the schedule cannot be read for the metrics", "error", err)
		}
		if time.Since(erased) >= expireEvery {
			erased = time.Now()
			d.expire(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// lookAtSchedule counts jobs, missed times and messages. told is until when
// missed times were counted.
func (d *daemon) lookAtSchedule(ctx context.Context, told *time.Time) error {
	list, err := d.schedule.Status(ctx)
	if err != nil {
		return err
	}
	waiting, running, newest := 0, 0, *told
	for _, s := range list {
		if s.Waiting != nil {
			waiting++
		}
		if s.Running != nil {
			running++
		}
		for _, m := range s.Missed {
			if m.Noted.After(*told) {
				d.metrics.Ticked(s.Source, telemetry.TickMissed, m.Count)
			}
			if m.Noted.After(newest) {
				newest = m.Noted
			}
		}
	}
	*told = newest
	d.metrics.ObserveJobs(waiting, running)
	nodes, err := d.schedule.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Seen.Unix() > d.looked.Load() {
			d.looked.Store(n.Seen.Unix())
			d.metrics.Looked(n.Seen)
		}
	}
	depth, err := d.teller.Waiting(ctx)
	if err != nil {
		return err
	}
	d.metrics.ObserveOutbox(depth)
	return nil
}

// expire erases what was kept long enough, where the configuration says so. One
// node of a fleet does it at a time.
func (d *daemon) expire(ctx context.Context) {
	release, err := d.w.locks.Acquire("expire")
	if err != nil {
		return // another one is at it
	}
	defer release()
	switch n, err := d.w.expireDue(ctx); {
	case err != nil && ctx.Err() == nil:
		d.w.logger.Error("payloads that were kept long enough were not erased", "error", err)
	case n > 0:
		d.w.logger.Info("payloads that were kept long enough were erased", "payloads", n)
	}
}
